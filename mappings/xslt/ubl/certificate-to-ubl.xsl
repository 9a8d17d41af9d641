<?xml version="1.0" encoding="UTF-8"?>
<!--
  A certificate of any form as an OASIS UBL 2.1 CertificateOfOrigin.

  The form's namespace is taken off first, so that one stylesheet serves every form. What finds no place here is
  no concern of this file: it is found by reading back, and travels in an extension of ours.
  Every place is listed and explained in docs/dialects-ubl.md; ubl-to-certificate.xsl is the way back.
-->
<xsl:stylesheet version="1.0"
    xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
    xmlns:exsl="http://exslt.org/common"
    xmlns="urn:oasis:names:specification:ubl:schema:xsd:CertificateOfOrigin-2"
    xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
    xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
    xmlns:ext="urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2"
    exclude-result-prefixes="exsl">

  <xsl:param name="namespace"/>
  <xsl:param name="form"/>      <!-- its id with the version -->
  <xsl:param name="title"/>     <!-- its name on paper -->
  <xsl:param name="dialect"/>

  <xsl:strip-space elements="*"/>

  <xsl:template match="/">
    <xsl:variable name="bare"><xsl:apply-templates select="*" mode="bare"/></xsl:variable>
    <xsl:apply-templates select="exsl:node-set($bare)/*" mode="certificate"/>
  </xsl:template>

  <xsl:template match="*" mode="bare">
    <xsl:if test="namespace-uri() = $namespace">
      <xsl:element name="{local-name()}" namespace="">
        <xsl:copy-of select="@*"/>
        <xsl:apply-templates mode="bare"/>
      </xsl:element>
    </xsl:if>
  </xsl:template>
  <xsl:template match="comment() | processing-instruction()" mode="bare"/>

  <!-- the document -->

  <xsl:template match="*" mode="certificate">
    <CertificateOfOrigin>
      <cbc:UBLVersionID>2.1</cbc:UBLVersionID>
      <cbc:CustomizationID><xsl:value-of select="$form"/></cbc:CustomizationID>
      <cbc:ProfileID><xsl:value-of select="$dialect"/></cbc:ProfileID>
      <cbc:ID><xsl:value-of select="CertificateNumber"/></cbc:ID>
      <cbc:IssueDate><xsl:value-of select="IssueDate"/></cbc:IssueDate>
      <cac:ExporterParty><xsl:apply-templates select="Exporter" mode="firm"/></cac:ExporterParty>
      <xsl:apply-templates select="." mode="application"/>
      <xsl:apply-templates select="." mode="endorsement"/>
    </CertificateOfOrigin>
  </xsl:template>

  <!-- What UBL asks for and a certificate has no other word for is its number. -->
  <xsl:template match="*" mode="application">
    <cac:CertificateOfOriginApplication>
      <cbc:ReferenceID><xsl:value-of select="CertificateNumber"/></cbc:ReferenceID>
      <cbc:CertificateType><xsl:value-of select="$title"/></cbc:CertificateType>
      <cbc:OriginalJobID><xsl:value-of select="CertificateNumber"/></cbc:OriginalJobID>
      <xsl:apply-templates select="Remarks"/>
      <xsl:apply-templates select="." mode="shipment"/>
      <cac:EndorserParty>
        <cbc:RoleCode>exporter</cbc:RoleCode>
        <cbc:SequenceNumeric>1</cbc:SequenceNumeric>
        <cac:Party>
          <cac:PartyName><cbc:Name><xsl:value-of select="Exporter/Name"/></cbc:Name></cac:PartyName>
          <xsl:apply-templates select="Declaration/Place" mode="place"/>
        </cac:Party>
        <cac:SignatoryContact>
          <xsl:apply-templates select="Declaration/Signatory" mode="name"/>
          <xsl:if test="not(normalize-space(Declaration/Signatory))"><cbc:Note>not stated</cbc:Note></xsl:if>
        </cac:SignatoryContact>
      </cac:EndorserParty>
      <cac:PreparationParty>
        <cac:PartyName><cbc:Name><xsl:value-of select="Exporter/Name"/></cbc:Name></cac:PartyName>
      </cac:PreparationParty>
      <cac:IssuerParty>
        <xsl:apply-templates select="IssuingBody" mode="party-name"/>
        <cac:PostalAddress><xsl:apply-templates select="ExportingCountry" mode="country"/></cac:PostalAddress>
      </cac:IssuerParty>
      <cac:IssuingCountry>
        <cbc:IdentificationCode><xsl:value-of select="ExportingCountry"/></cbc:IdentificationCode>
      </cac:IssuingCountry>
      <xsl:apply-templates select="Declaration/Date" mode="document"/>
      <xsl:apply-templates select="BackToBack/Original | CertifiedTrueCopyOf | Replaces" mode="document"/>
      <xsl:apply-templates select="Items/Item/Invoices/Invoice" mode="document"/>
    </cac:CertificateOfOriginApplication>
  </xsl:template>

  <xsl:template match="*" mode="endorsement">
    <cac:IssuerEndorsement>
      <cbc:DocumentID><xsl:value-of select="CertificateNumber"/></cbc:DocumentID>
      <cbc:ApprovalStatus>issued</cbc:ApprovalStatus>
      <cac:EndorserParty>
        <cbc:RoleCode>issuer</cbc:RoleCode>
        <cbc:SequenceNumeric>1</cbc:SequenceNumeric>
        <cac:Party>
          <xsl:apply-templates select="IssuingBody" mode="party-name"/>
          <cac:PostalAddress><xsl:apply-templates select="ExportingCountry" mode="country"/></cac:PostalAddress>
          <xsl:apply-templates select="IssuePlace" mode="place"/>
        </cac:Party>
        <cac:SignatoryContact>
          <xsl:if test="normalize-space(Signatory)">
            <cbc:ID><xsl:value-of select="Signatory"/></cbc:ID>
          </xsl:if>
          <xsl:if test="not(normalize-space(Signatory))"><cbc:Note>not stated</cbc:Note></xsl:if>
        </cac:SignatoryContact>
      </cac:EndorserParty>
    </cac:IssuerEndorsement>
  </xsl:template>

  <xsl:template match="Remarks"><cbc:Remarks><xsl:value-of select="."/></cbc:Remarks></xsl:template>

  <!-- firms and places -->

  <xsl:template match="*" mode="firm">
    <xsl:if test="normalize-space(Registration)">
      <cac:PartyIdentification><cbc:ID><xsl:value-of select="Registration"/></cbc:ID></cac:PartyIdentification>
    </xsl:if>
    <xsl:apply-templates select="Name" mode="party-name"/>
    <xsl:if test="Address/Line[normalize-space()] or normalize-space(Country)">
      <cac:PostalAddress>
        <xsl:for-each select="Address/Line[normalize-space()]">
          <cac:AddressLine><cbc:Line><xsl:value-of select="."/></cbc:Line></cac:AddressLine>
        </xsl:for-each>
        <xsl:apply-templates select="Country" mode="country"/>
      </cac:PostalAddress>
    </xsl:if>
  </xsl:template>

  <xsl:template match="*" mode="party-name">
    <xsl:if test="normalize-space()">
      <cac:PartyName><cbc:Name><xsl:value-of select="."/></cbc:Name></cac:PartyName>
    </xsl:if>
  </xsl:template>

  <xsl:template match="*" mode="country">
    <xsl:if test="normalize-space()">
      <cac:Country><cbc:IdentificationCode><xsl:value-of select="."/></cbc:IdentificationCode></cac:Country>
    </xsl:if>
  </xsl:template>

  <xsl:template match="*" mode="place">
    <xsl:if test="normalize-space()">
      <cac:PhysicalLocation><cbc:Name><xsl:value-of select="."/></cbc:Name></cac:PhysicalLocation>
    </xsl:if>
  </xsl:template>

  <xsl:template match="*" mode="name">
    <xsl:if test="normalize-space()"><cbc:Name><xsl:value-of select="."/></cbc:Name></xsl:if>
  </xsl:template>

  <!-- A port is known by its UN/LOCODE, or else by its name. -->
  <xsl:template match="*" mode="port">
    <xsl:variable name="code" select="translate(., 'ABCDEFGHIJKLMNOPQRSTUVWXYZ23456789', '')"/>
    <xsl:choose>
      <xsl:when test="string-length() = 5 and $code = ''"><cbc:ID><xsl:value-of select="."/></cbc:ID></xsl:when>
      <xsl:otherwise><cbc:Name><xsl:value-of select="."/></cbc:Name></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- the shipment -->

  <xsl:template match="*" mode="shipment">
    <cac:Shipment>
      <cbc:ID><xsl:value-of select="CertificateNumber"/></cbc:ID>
      <xsl:if test="normalize-space(Transport/Route)">
        <cbc:Information><xsl:value-of select="Transport/Route"/></cbc:Information>
      </xsl:if>
      <cac:Consignment>
        <cbc:ID><xsl:value-of select="CertificateNumber"/></cbc:ID>
        <xsl:apply-templates select="Ticks/*"/>
        <cac:ConsigneeParty><xsl:apply-templates select="Consignee" mode="firm"/></cac:ConsigneeParty>
        <cac:FinalDestinationCountry>
          <cbc:IdentificationCode><xsl:value-of select="ImportingCountry"/></cbc:IdentificationCode>
        </cac:FinalDestinationCountry>
      </cac:Consignment>
      <xsl:apply-templates select="Items/Item" mode="goods"/>
      <xsl:apply-templates select="Transport"/>
      <xsl:apply-templates select="Exhibition"/>
      <xsl:apply-templates select="Items/Item" mode="packages"/>
      <cac:ExportCountry>
        <cbc:IdentificationCode><xsl:value-of select="ExportingCountry"/></cbc:IdentificationCode>
      </cac:ExportCountry>
    </cac:Shipment>
  </xsl:template>

  <xsl:template match="Ticks/*">
    <cac:Status>
      <cbc:ConditionCode listID="mark"><xsl:value-of select="."/></cbc:ConditionCode>
      <xsl:if test="self::Tick"><cbc:IndicationIndicator>true</cbc:IndicationIndicator></xsl:if>
    </cac:Status>
  </xsl:template>

  <xsl:template match="Transport">
    <xsl:if test="(Mode | DepartureDate | Vessel | PortOfLoading | PortOfDischarge)[normalize-space()]">
      <cac:ShipmentStage>
        <xsl:if test="normalize-space(Mode)">
          <cbc:TransportModeCode><xsl:apply-templates select="Mode"/></cbc:TransportModeCode>
        </xsl:if>
        <xsl:if test="normalize-space(Vessel)">
          <cac:TransportMeans><xsl:apply-templates select="Vessel"/></cac:TransportMeans>
        </xsl:if>
        <xsl:if test="normalize-space(PortOfLoading)">
          <cac:LoadingPortLocation><xsl:apply-templates select="PortOfLoading" mode="port"/></cac:LoadingPortLocation>
        </xsl:if>
        <xsl:if test="normalize-space(PortOfDischarge)">
          <cac:UnloadingPortLocation>
            <xsl:apply-templates select="PortOfDischarge" mode="port"/>
          </cac:UnloadingPortLocation>
        </xsl:if>
        <xsl:if test="normalize-space(DepartureDate)">
          <cac:EstimatedDepartureTransportEvent>
            <cbc:OccurrenceDate><xsl:value-of select="DepartureDate"/></cbc:OccurrenceDate>
          </cac:EstimatedDepartureTransportEvent>
        </xsl:if>
      </cac:ShipmentStage>
    </xsl:if>
  </xsl:template>

  <!-- UNECE Recommendation 19; a mode that is not in it stays as it is. -->
  <xsl:template match="Mode">
    <xsl:choose>
      <xsl:when test=". = 'sea'">1</xsl:when>
      <xsl:when test=". = 'rail'">2</xsl:when>
      <xsl:when test=". = 'road'">3</xsl:when>
      <xsl:when test=". = 'air'">4</xsl:when>
      <xsl:when test=". = 'post'">5</xsl:when>
      <xsl:when test=". = 'multimodal'">6</xsl:when>
      <xsl:when test=". = 'inland_waterway'">8</xsl:when>
      <xsl:otherwise><xsl:value-of select="."/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template match="Vessel">
    <xsl:choose>
      <xsl:when test="../Mode = 'air'">
        <cac:AirTransport><cbc:AircraftID><xsl:value-of select="."/></cbc:AircraftID></cac:AirTransport>
      </xsl:when>
      <xsl:when test="../Mode = 'road'">
        <cac:RoadTransport><cbc:LicensePlateID><xsl:value-of select="."/></cbc:LicensePlateID></cac:RoadTransport>
      </xsl:when>
      <xsl:when test="../Mode = 'rail'">
        <cac:RailTransport><cbc:TrainID><xsl:value-of select="."/></cbc:TrainID></cac:RailTransport>
      </xsl:when>
      <xsl:otherwise>
        <cac:MaritimeTransport><cbc:VesselName><xsl:value-of select="."/></cbc:VesselName></cac:MaritimeTransport>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template match="Exhibition">
    <xsl:if test="(Name | Address)[normalize-space()]">
      <cac:Delivery>
        <cac:DeliveryLocation>
          <cbc:LocationTypeCode>exhibition</cbc:LocationTypeCode>
          <xsl:apply-templates select="Name" mode="name"/>
          <xsl:if test="normalize-space(Address)">
            <cac:Address>
              <cac:AddressLine><cbc:Line><xsl:value-of select="Address"/></cbc:Line></cac:AddressLine>
            </cac:Address>
          </xsl:if>
        </cac:DeliveryLocation>
      </cac:Delivery>
    </xsl:if>
  </xsl:template>

  <!-- the items -->

  <xsl:template match="Item" mode="goods">
    <xsl:variable name="shared" select="../../Producer[normalize-space(Name)][not(current()/Producer)]"/>
    <cac:GoodsItem>
      <cbc:SequenceNumberID><xsl:value-of select="Number"/></cbc:SequenceNumberID>
      <cbc:Description><xsl:value-of select="Description"/></cbc:Description>
      <xsl:if test="FobValue">
        <cbc:FreeOnBoardValueAmount currencyID="{FobValue/@currency}">
          <xsl:value-of select="FobValue"/>
        </cbc:FreeOnBoardValueAmount>
      </xsl:if>
      <xsl:if test="GrossWeight">
        <cbc:GrossWeightMeasure unitCode="{GrossWeight/@unit}">
          <xsl:value-of select="GrossWeight"/>
        </cbc:GrossWeightMeasure>
      </xsl:if>
      <xsl:if test="NetWeight">
        <cbc:NetWeightMeasure unitCode="{NetWeight/@unit}"><xsl:value-of select="NetWeight"/></cbc:NetWeightMeasure>
      </xsl:if>
      <xsl:if test="Quantity">
        <cbc:Quantity unitCode="{Quantity/@unit}"><xsl:value-of select="Quantity"/></cbc:Quantity>
      </xsl:if>
      <xsl:if test="OriginCriterion">
        <cbc:PreferenceCriterionCode><xsl:value-of select="OriginCriterion[1]"/></cbc:PreferenceCriterionCode>
      </xsl:if>
      <cac:Item>
        <xsl:if test="normalize-space(Origin)">
          <cac:OriginCountry>
            <cbc:IdentificationCode><xsl:value-of select="Origin"/></cbc:IdentificationCode>
          </cac:OriginCountry>
        </xsl:if>
        <cac:CommodityClassification>
          <cbc:CommodityCode listID="HS"><xsl:value-of select="HarmonizedSystemCode"/></cbc:CommodityCode>
        </cac:CommodityClassification>
        <xsl:for-each select="OriginCriterion[position() &gt; 1]">
          <cac:AdditionalItemProperty>
            <cbc:Name>further origin criterion</cbc:Name>
            <cbc:NameCode>OriginCriterion</cbc:NameCode>
            <cbc:Value><xsl:value-of select="."/></cbc:Value>
          </cac:AdditionalItemProperty>
        </xsl:for-each>
        <xsl:if test="normalize-space(RvcPercent)">
          <cac:AdditionalItemProperty>
            <cbc:Name>regional value content</cbc:Name>
            <cbc:NameCode>RvcPercent</cbc:NameCode>
            <cbc:ValueQuantity unitCode="P1"><xsl:value-of select="RvcPercent"/></cbc:ValueQuantity>
          </cac:AdditionalItemProperty>
        </xsl:if>
        <xsl:if test="normalize-space(TariffDifferential)">
          <cac:AdditionalItemProperty>
            <cbc:Name>tariff differential</cbc:Name>
            <cbc:NameCode>TariffDifferential</cbc:NameCode>
            <cbc:Value><xsl:value-of select="TariffDifferential"/></cbc:Value>
          </cac:AdditionalItemProperty>
        </xsl:if>
        <xsl:if test="$shared">
          <cac:AdditionalItemProperty>
            <cbc:Name>producer</cbc:Name>
            <cbc:NameCode>Producer</cbc:NameCode>
            <cbc:Value>of the whole certificate</cbc:Value>
          </cac:AdditionalItemProperty>
        </xsl:if>
        <xsl:for-each select="Producer | $shared">
          <cac:ManufacturerParty><xsl:apply-templates select="." mode="firm"/></cac:ManufacturerParty>
        </xsl:for-each>
      </cac:Item>
    </cac:GoodsItem>
  </xsl:template>

  <xsl:template match="Item" mode="packages">
    <xsl:if test="normalize-space(Marks) or normalize-space(Packages)">
      <cac:TransportHandlingUnit>
        <xsl:if test="normalize-space(Packages/Count)">
          <cbc:TotalPackageQuantity><xsl:value-of select="Packages/Count"/></cbc:TotalPackageQuantity>
        </xsl:if>
        <xsl:if test="normalize-space(Marks)">
          <cbc:ShippingMarks><xsl:value-of select="Marks"/></cbc:ShippingMarks>
        </xsl:if>
        <xsl:if test="normalize-space(Packages/Kind)">
          <cac:ActualPackage>
            <cbc:PackagingTypeCode><xsl:value-of select="Packages/Kind"/></cbc:PackagingTypeCode>
          </cac:ActualPackage>
        </xsl:if>
        <cac:GoodsItem>
          <cbc:SequenceNumberID><xsl:value-of select="Number"/></cbc:SequenceNumberID>
        </cac:GoodsItem>
      </cac:TransportHandlingUnit>
    </xsl:if>
  </xsl:template>

  <!--
    Other documents, told apart by UN/EDIFACT 1001: 380 invoice, 861 certificate of origin, 862 declaration of
    origin; and certificates by what became of them. A document without a number is none in UBL.
  -->

  <xsl:template match="Declaration/Date" mode="document">
    <xsl:if test="normalize-space()">
      <cac:SupportingDocumentReference>
        <cbc:ID><xsl:value-of select="../../CertificateNumber"/></cbc:ID>
        <cbc:IssueDate><xsl:value-of select="."/></cbc:IssueDate>
        <cbc:DocumentTypeCode>862</cbc:DocumentTypeCode>
      </cac:SupportingDocumentReference>
    </xsl:if>
  </xsl:template>

  <xsl:template match="Original | CertifiedTrueCopyOf | Replaces" mode="document">
    <xsl:if test="normalize-space(Number)">
      <cac:SupportingDocumentReference>
        <cbc:ID><xsl:value-of select="Number"/></cbc:ID>
        <xsl:apply-templates select="IssueDate"/>
        <cbc:DocumentTypeCode>861</cbc:DocumentTypeCode>
        <cbc:DocumentStatusCode>
          <xsl:choose>
            <xsl:when test="self::Original">original</xsl:when>
            <xsl:when test="self::CertifiedTrueCopyOf">copied</xsl:when>
            <xsl:otherwise>replaced</xsl:otherwise>
          </xsl:choose>
        </cbc:DocumentStatusCode>
        <xsl:if test="self::Replaces and normalize-space(Reason)">
          <cbc:DocumentDescription><xsl:value-of select="Reason"/></cbc:DocumentDescription>
        </xsl:if>
        <xsl:if test="normalize-space(ApprovedExporter) or normalize-space(IssuingCountry)">
          <cac:IssuerParty>
            <xsl:if test="normalize-space(ApprovedExporter)">
              <cac:PartyIdentification>
                <cbc:ID><xsl:value-of select="ApprovedExporter"/></cbc:ID>
              </cac:PartyIdentification>
            </xsl:if>
            <xsl:if test="normalize-space(IssuingCountry)">
              <cac:PostalAddress><xsl:apply-templates select="IssuingCountry" mode="country"/></cac:PostalAddress>
            </xsl:if>
          </cac:IssuerParty>
        </xsl:if>
      </cac:SupportingDocumentReference>
    </xsl:if>
  </xsl:template>

  <xsl:template match="Invoice" mode="document">
    <xsl:variable name="third" select="../../../../ThirdPartyInvoice[normalize-space()]"/>
    <xsl:if test="normalize-space(Number)">
      <cac:SupportingDocumentReference>
        <cbc:ID><xsl:value-of select="Number"/></cbc:ID>
        <xsl:if test="normalize-space(Date)"><cbc:IssueDate><xsl:value-of select="Date"/></cbc:IssueDate></xsl:if>
        <cbc:DocumentTypeCode>380</cbc:DocumentTypeCode>
        <cbc:XPath>
          <xsl:text>//cac:Shipment/cac:GoodsItem[cbc:SequenceNumberID='</xsl:text>
          <xsl:value-of select="../../Number"/>
          <xsl:text>']</xsl:text>
        </cbc:XPath>
        <xsl:if test="$third">
          <cac:IssuerParty><xsl:apply-templates select="$third" mode="firm"/></cac:IssuerParty>
        </xsl:if>
      </cac:SupportingDocumentReference>
    </xsl:if>
  </xsl:template>

  <xsl:template match="IssueDate">
    <xsl:if test="normalize-space()"><cbc:IssueDate><xsl:value-of select="."/></cbc:IssueDate></xsl:if>
  </xsl:template>
</xsl:stylesheet>
